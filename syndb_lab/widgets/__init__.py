"""What a notebook shows of jobs while they live."""
