"""The live card of one job, and its static HTML."""
