"""What every stage leans on and no stage owns: workers, scratch space, progress, failures, wording."""
