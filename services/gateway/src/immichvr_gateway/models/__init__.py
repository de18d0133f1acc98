"""Models as the gateway knows them: what state they are in, whose licences were accepted, and jobs about them."""
