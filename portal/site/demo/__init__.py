"""The demo's cast and their stories, told only through the services that real life uses."""
