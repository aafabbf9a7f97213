"""The stories of the cast, one short module each: how somebody came to where they stand today."""
