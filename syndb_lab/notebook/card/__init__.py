"""The live card of one job, and the HTML that it leaves behind."""
