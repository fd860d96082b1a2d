"""What other implementations and our own tests build on: strategies and builders."""
