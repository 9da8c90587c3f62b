"""Gears and what runs them: jobs, batches, gear rules, and the engine that takes jobs off the queue."""
