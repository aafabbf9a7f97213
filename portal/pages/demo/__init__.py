"""The demo's own pages: cast, virtual clock, simulated phone, reset; 404 unless DEMO."""
