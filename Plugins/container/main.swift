import ForgeTargetProtocol

await serve(ContainerTarget())
