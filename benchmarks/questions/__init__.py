"""One file a question: what is asked, how it is measured, what it should keep."""
