/** Before each file of tests: commands are of an instance that is the file's alone, and so sees nothing that others have on this host. */
process.env.TESSERA_INSTANCE = `test-${process.pid}`
