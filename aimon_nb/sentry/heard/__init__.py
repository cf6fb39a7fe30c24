"""What the SDK's integrations of frameworks leave out of their trees, by the frameworks' hooks."""
