"""Data views: tables of what is known of containers and files, as ``/views`` makes them."""
