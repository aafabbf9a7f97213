"""Papers with a code that verifies: snapshot, text, digest, and the PDF made from them."""
