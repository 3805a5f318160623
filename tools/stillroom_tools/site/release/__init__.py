"""`stillroom site release`: recordings under a release, from the draft to the custodian who opens them."""
