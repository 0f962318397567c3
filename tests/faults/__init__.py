"""Faults on real processes and servers, and the same check after each: nothing lost, nothing stuck."""
