"""The store: joins the layers and owns lifetimes."""
