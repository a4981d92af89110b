"""The bundled example products and the one command that runs them."""
