"""Stands in for the library with which picamera2 would guard recording programs; nothing of it is used here."""
