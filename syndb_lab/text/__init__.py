"""Text of others, made harmless on a terminal and on a page. Everything may import it; it imports nothing."""
