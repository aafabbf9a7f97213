"""The ground of the house: users, money, clock, calendar, notices; knows nothing of loans."""
