"""``job.explore()``: a part of a graph, moved and searched in the page."""
