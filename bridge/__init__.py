"""Bridge: the retired elements/api-v2 CRM API, served in front of Autotask."""

__version__ = "0.5.0"
