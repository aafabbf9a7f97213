"""Penalty interest: who bears it at which rate on which days, its ceiling, its fee and its explanation."""
