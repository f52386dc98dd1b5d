"""The data of the simulated vendor: values, tables, records, data sets, snapshots."""
