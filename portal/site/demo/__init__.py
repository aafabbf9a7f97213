"""The demo: its cast, and their stories played only through the services of real use."""
