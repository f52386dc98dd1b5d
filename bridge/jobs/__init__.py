"""The asynchronous way in: durable work, asked for by name and done by workers.

A task is a plain function made of small steps. The engine keeps which steps are done,
so a worker that is killed loses none of them and another goes on where it was. A step
that was under way runs again: its effect must be the same as once.
"""
