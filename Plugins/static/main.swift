import ForgeTargetProtocol

await serve(StaticTarget())
