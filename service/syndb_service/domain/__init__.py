"""The pure part: what a job and a dataset are, with no framework behind them."""
