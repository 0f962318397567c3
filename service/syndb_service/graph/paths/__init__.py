"""Paths and components. They import the measures, the model and the kernels."""
