"""Graph requests: the selection of connections, the memory budget, and the SQL that counts them."""
