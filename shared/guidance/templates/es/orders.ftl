# Qué ocurre con un pedido. Cada parte lo dice todo por sí sola, en texto sin formato.

order-paid =
    .title = Su pedido está pagado
    .text =
        Gracias. Hemos recibido { $amount } por su pedido { $order }.

        El pedido está pagado por completo.
    .alternative = Pedido { $order }: hemos recibido { $amount }. El pedido está pagado por completo. Gracias.

order-reinstated =
    .title = Su pedido vuelve a estar abierto y está pagado
    .text =
        Su pedido { $order } se había cerrado porque terminó el plazo de pago. Su pago de { $amount } se hizo a tiempo, así que el pedido vuelve a estar abierto.

        Está pagado por completo. No tiene que hacer nada.
    .alternative = Pedido { $order }: su pago de { $amount } se hizo a tiempo. El pedido vuelve a estar abierto y está pagado por completo. No tiene que hacer nada.

order-expired =
    .title = Su pedido se ha cerrado porque no se pagó a tiempo
    .text =
        No hemos recibido { $amount } por su pedido { $order } antes del fin del plazo ({ $expires_at }), así que lo hemos cerrado.

        No lo pague ya; si aún llega un pago, se lo reembolsaremos. Puede hacer otro pedido cuando quiera.
    .alternative = Pedido { $order }: cerrado, porque no se pagaron { $amount } antes del fin del plazo ({ $expires_at }). No lo pague ya; si aún llega un pago, se lo reembolsaremos.

order-cancelled =
    .title = Su pedido se ha cancelado
    .text =
        Su pedido { $order } se ha cancelado.

        No lo pague ya. Lo que se haya pagado se devuelve por el mismo método de pago.
    .alternative = Pedido { $order }: cancelado. No lo pague ya. Lo que se haya pagado se devuelve por el mismo método de pago.

order-on-hold =
    .title = Su pedido está en espera mientras confirmamos un pago
    .text =
        Estamos comprobando un pago de su pedido { $order }. Hasta que terminemos, el pedido está en espera.

        No vuelva a pagar. Le avisaremos en cuanto sepamos más.
    .alternative = Pedido { $order }: en espera mientras comprobamos un pago. No vuelva a pagar. Le avisaremos en cuanto sepamos más.
