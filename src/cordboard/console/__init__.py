"""The console: server-rendered pages for people, made of the native API's operations."""
