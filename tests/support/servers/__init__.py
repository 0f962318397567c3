"""Real servers that the tests start on free ports and end with the tests."""
