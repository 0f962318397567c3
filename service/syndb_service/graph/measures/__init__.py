"""Measures of neurons and connections, and the triadic census; they import the model and the kernels."""
