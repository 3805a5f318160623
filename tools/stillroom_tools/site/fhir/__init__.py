"""`stillroom site fhir`: a site's breathing and pulse as FHIR R4 Observations, a resource a line."""
