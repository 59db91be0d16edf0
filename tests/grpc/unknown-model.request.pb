
no-such-model