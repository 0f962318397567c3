"""Programs of the measured and the measuring processes."""
