"""Who a person is: accounts, passwords, one-time codes, throttles."""
