"""Helpers that tests share: real servers, services, fakes, models, cases. No module here has a test."""
