"""The description of our API for people and for client generators.

`api.yaml` is the description: OpenAPI 3.1, written by hand. The modules add what it
cannot know (a tenant's fields, the catalogue's resources, the resources that an account
added) and convert the result to Swagger 2.0 where the retired service served that.
"""
