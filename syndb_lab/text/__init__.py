"""Escaping of untrusted text for terminals and pages. Everything may import it; it imports nothing."""
