"""Files of the user on this computer: journal, history, running services.

Everything from ``conversion`` upwards may import it.
"""
