"""Paths and components; they import the measures, the model and the kernels."""
