"""Disclosure control: counts that may leave the facility, and the attacks that they have to withstand first."""
