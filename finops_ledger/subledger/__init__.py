"""The sub-ledger: batches of rows, the manifest that names them, and the engine that reads them."""
