"""What a graph job asks for, before any of it is read: which part of a dataset, and whether it fits."""
