"""The offline demo model: a server that speaks the OpenAI API and answers from its prompt alone."""
