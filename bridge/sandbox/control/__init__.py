"""The state of a simulator and the endpoints that steer it."""
