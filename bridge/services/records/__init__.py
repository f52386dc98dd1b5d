"""Records of every resource and entity, under the verbs that it has.

A list goes from `listings` through `filters`, `queries`, `ordering` and `counting` to
`shapes`. A write goes from `drafts`, which names every mistake, over `stored` to the
vendor; `guard` sees to it that none is done twice, with `lookup` and `likeness` where
the vendor never answered.
"""
