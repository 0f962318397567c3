"""Measures of neurons and of connections, and the census of triads. They import the model and the kernels."""
