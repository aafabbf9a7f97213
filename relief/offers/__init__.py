"""Offers and agreements: terms, negotiation, acceptance, approval."""
