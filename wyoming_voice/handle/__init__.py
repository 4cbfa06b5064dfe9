"""The handle server: what somebody said goes in, the answer comes out, word by word."""
