"""The questions, one file each: measurement and targets."""
